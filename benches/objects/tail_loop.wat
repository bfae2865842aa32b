;; A loop as a tail call of a function by itself, 1,000 times, n times.
(module
  (func $sum (param $i i32) (param $sum i64) (result i64)
    (if (i32.eqz (local.get $i)) (then (return (local.get $sum))))
    (return_call $sum (i32.sub (local.get $i) (i32.const 1)) (i64.add (i64.xor (local.get $sum) (i64.const 5)) (i64.extend_i32_u (local.get $i)))))
  (func (export "run") (param $n i32) (result i64)
    (local $sum i64)
    (loop $again
      (local.set $sum (call $sum (i32.const 1000) (local.get $sum)))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
