;; Access to arrays: prefix sums of 4,096 numbers in place, n times.
(module
  (type $numbers (array (mut i32)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $a (ref null $numbers))
    (local.set $a (array.new $numbers (i32.const 1) (i32.const 4096)))
    (loop $again
      (local.set $i (i32.const 1))
      (loop $each
        (array.set $numbers (local.get $a) (local.get $i) (i32.add
          (array.get $numbers (local.get $a) (i32.sub (local.get $i) (i32.const 1)))
          (array.get $numbers (local.get $a) (local.get $i))))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (array.len (local.get $a)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (array.get $numbers (local.get $a) (i32.const 4095)))))
