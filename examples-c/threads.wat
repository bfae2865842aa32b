;; Counts the primes below n, telling the host of each.
(module
  (import "host" "found" (func $found (param i32)))
  (func $prime (param $n i32) (result i32)
    (local $d i32)
    (local.set $d (i32.const 2))
    (loop $next (result i32)
      (if (i32.gt_u (i32.mul (local.get $d) (local.get $d)) (local.get $n)) (then (return (i32.const 1))))
      (if (i32.eqz (i32.rem_u (local.get $n) (local.get $d))) (then (return (i32.const 0))))
      (local.set $d (i32.add (local.get $d) (i32.const 1)))
      (br $next)))
  (func (export "count") (param $from i32) (param $to i32) (result i32)
    (local $count i32)
    (loop $next
      (if (call $prime (local.get $from))
        (then
          (call $found (local.get $from))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to))))
    (local.get $count)))
