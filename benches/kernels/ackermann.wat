;; Calls, deep: Ackermann's function of 2 and 200, n times.
(module
  (func $ackermann (param $m i64) (param $k i64) (result i64)
    (if (i64.eqz (local.get $m)) (then (return (i64.add (local.get $k) (i64.const 1)))))
    (if (i64.eqz (local.get $k)) (then
      (return (call $ackermann (i64.sub (local.get $m) (i64.const 1)) (i64.const 1)))))
    (call $ackermann
      (i64.sub (local.get $m) (i64.const 1))
      (call $ackermann (local.get $m) (i64.sub (local.get $k) (i64.const 1)))))
  (func (export "run") (param $n i32) (result i64)
    (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (call $ackermann (i64.const 2) (i64.const 200))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $sum)))
