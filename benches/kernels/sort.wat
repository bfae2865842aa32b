;; Memory, calls: quicksort of 8,192 random 32-bit integers, n times. Gives the median.
(module
  (memory 1)
  (func $sort (param $low i32) (param $high i32)
    (local $i i32) (local $j i32) (local $pivot i32) (local $swap i32)
    (if (i32.ge_s (local.get $low) (local.get $high)) (then (return)))
    (local.set $pivot (i32.load (i32.and
      (i32.shr_u (i32.add (local.get $low) (local.get $high)) (i32.const 1)) (i32.const -4))))
    (local.set $i (local.get $low))
    (local.set $j (local.get $high))
    (loop $partition
      (block $stop_low
        (loop $up
          (br_if $stop_low (i32.ge_s (i32.load (local.get $i)) (local.get $pivot)))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br $up)))
      (block $stop_high
        (loop $down
          (br_if $stop_high (i32.le_s (i32.load (local.get $j)) (local.get $pivot)))
          (local.set $j (i32.sub (local.get $j) (i32.const 4)))
          (br $down)))
      (if (i32.le_s (local.get $i) (local.get $j)) (then
        (local.set $swap (i32.load (local.get $i)))
        (i32.store (local.get $i) (i32.load (local.get $j)))
        (i32.store (local.get $j) (local.get $swap))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (local.set $j (i32.sub (local.get $j) (i32.const 4)))))
      (br_if $partition (i32.le_s (local.get $i) (local.get $j))))
    (call $sort (local.get $low) (local.get $j))
    (call $sort (local.get $i) (local.get $high)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $x i32)
    (local.set $x (i32.const 123456789))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $fill
        (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
        (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
        (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
        (i32.store (local.get $i) (local.get $x))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 32768))))
      (call $sort (i32.const 0) (i32.const 32764))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.extend_i32_s (i32.load (i32.const 16384)))))
