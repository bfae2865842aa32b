;; Three ways to trap, each some calls deep.
(module
  (import "host" "refuse" (func $refuse (param i32)))
  (func $divide (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func $inner (unreachable))
  (func $outer (call $inner))
  (func (export "unreachable") (call $outer))
  (func (export "divide") (param i32 i32) (result i32)
    (call $divide (local.get 0) (local.get 1)))
  (func (export "refused") (call $refuse (i32.const 7)))
  (func $forever (export "recurse") (call $forever)))
