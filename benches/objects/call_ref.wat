;; call_ref: 1,000 calls, in turn through four references that a structure holds, as methods are called, n times.
(module
  (type $f (func (param i32) (result i32)))
  (type $methods (struct (field (ref $f)) (field (ref $f)) (field (ref $f)) (field (ref $f))))
  (elem declare func $one $two $three $four)
  (func $one (type $f) (i32.add (local.get 0) (i32.const 1)))
  (func $two (type $f) (i32.xor (local.get 0) (i32.const 2)))
  (func $three (type $f) (i32.add (local.get 0) (i32.const 3)))
  (func $four (type $f) (i32.sub (local.get 0) (i32.const 1)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $x i32) (local $m (ref null $methods))
    (local.set $m (struct.new $methods (ref.func $one) (ref.func $two) (ref.func $three) (ref.func $four)))
    (loop $again
      (local.set $i (i32.const 250))
      (loop $each
        (local.set $x (call_ref $f (local.get $x) (struct.get $methods 0 (local.get $m))))
        (local.set $x (call_ref $f (local.get $x) (struct.get $methods 1 (local.get $m))))
        (local.set $x (call_ref $f (local.get $x) (struct.get $methods 2 (local.get $m))))
        (local.set $x (call_ref $f (local.get $x) (struct.get $methods 3 (local.get $m))))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (local.get $x))))
