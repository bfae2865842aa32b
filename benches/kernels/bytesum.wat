;; Memory: the sum of 64 KiB taken as signed and as unsigned bytes, n times.
(module
  (memory 1)
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $fill
      (i32.store (local.get $i) (i32.mul (local.get $i) (i32.const 0x9e3779b9)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 65536))))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $byte
        (local.set $sum (i64.add (local.get $sum) (i64.load8_s (local.get $i))))
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u offset=1 (local.get $i))))
        (br_if $byte (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (i32.const 65536))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $sum)))
