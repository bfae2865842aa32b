;; ref.func and call_ref: 1,000 times a reference to one of two functions is made and passed to a function that calls it, n times.
(module
  (type $f (func (param i32) (result i32)))
  (elem declare func $one $two)
  (func $one (type $f) (i32.add (local.get 0) (i32.const 1)))
  (func $two (type $f) (i32.xor (local.get 0) (i32.const 2)))
  (func $apply (param $f (ref $f)) (param $x i32) (result i32) (call_ref $f (local.get $x) (local.get $f)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $x i32)
    (loop $again
      (local.set $i (i32.const 500))
      (loop $each
        (local.set $x (call $apply (ref.func $one) (local.get $x)))
        (local.set $x (call $apply (ref.func $two) (local.get $x)))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (local.get $x))))
