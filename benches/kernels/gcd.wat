;; Integer division: greatest common divisors of 1,000 pairs of 64-bit numbers, n times. Gives their sum.
(module
  (func $gcd (param $a i64) (param $b i64) (result i64)
    (local $r i64)
    (block $done
      (loop $step
        (br_if $done (i64.eqz (local.get $b)))
        (local.set $r (i64.rem_u (local.get $a) (local.get $b)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $r))
        (br $step)))
    (local.get $a))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $x i64) (local $sum i64)
    (loop $again
      (local.set $x (i64.const 88172645463325252))
      (local.set $i (i32.const 1000))
      (loop $pair
        (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
        (local.set $sum (i64.add (local.get $sum) (call $gcd
          (i64.shr_u (local.get $x) (i64.const 20))
          (i64.div_s (local.get $x) (i64.extend_i32_u (i32.add (local.get $i) (i32.const 7)))))))
        (br_if $pair (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $sum)))
