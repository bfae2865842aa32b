;; A table of operations that the host can look into and change.
(module
  (type $op (func (param i32 i32) (result i32)))
  (table $ops (export "ops") 3 10 funcref)
  (func $add (type $op) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $op) (i32.sub (local.get 0) (local.get 1)))
  (elem (table $ops) (i32.const 0) func $add $sub)
  (func (export "apply") (param $which i32) (param i32 i32) (result i32)
    (call_indirect $ops (type $op) (local.get 1) (local.get 2) (local.get $which))))
