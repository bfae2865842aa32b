;; Writing references: 1,024 elements of an array are moved on by one place, n times.
(module
  (type $box (struct (field i32)))
  (type $boxes (array (mut (ref null $box))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $a (ref null $boxes)) (local $last (ref null $box))
    (local.set $a (array.new_default $boxes (i32.const 1024)))
    (loop $fill
      (array.set $boxes (local.get $a) (local.get $i) (struct.new $box (local.get $i)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (loop $again
      (local.set $last (array.get $boxes (local.get $a) (i32.const 1023)))
      (local.set $i (i32.const 1023))
      (loop $each
        (array.set $boxes (local.get $a) (local.get $i)
          (array.get $boxes (local.get $a) (i32.sub (local.get $i) (i32.const 1))))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (array.set $boxes (local.get $a) (i32.const 0) (local.get $last))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (struct.get $box 0 (array.get $boxes (local.get $a) (i32.const 0))))))
