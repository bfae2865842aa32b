;; Float, memory: the product of two 64 x 64 matrices of f64, n times. Gives the bits of one element.
;; The matrices are at 0, 32768 and 65536.
(module
  (memory 2)
  (func $prepare
    (local $i i32)
    (loop $element
      (f64.store (i32.shl (local.get $i) (i32.const 3))
        (f64.convert_i32_s (i32.sub (i32.rem_u (local.get $i) (i32.const 17)) (i32.const 8))))
      (br_if $element (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8192)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $j i32) (local $k i32) (local $a i32) (local $b i32) (local $sum f64)
    (call $prepare)
    (loop $again
      (local.set $i (i32.const 0))
      (loop $row
        (local.set $j (i32.const 0))
        (loop $column
          (local.set $sum (f64.const 0))
          (local.set $a (i32.shl (local.get $i) (i32.const 9)))
          (local.set $b (i32.add (i32.const 32768) (i32.shl (local.get $j) (i32.const 3))))
          (local.set $k (i32.const 64))
          (loop $inner
            (local.set $sum (f64.add (local.get $sum)
              (f64.mul (f64.load (local.get $a)) (f64.load (local.get $b)))))
            (local.set $a (i32.add (local.get $a) (i32.const 8)))
            (local.set $b (i32.add (local.get $b) (i32.const 512)))
            (br_if $inner (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
          (f64.store offset=65536
            (i32.add (i32.shl (local.get $i) (i32.const 9)) (i32.shl (local.get $j) (i32.const 3)))
            (local.get $sum))
          (br_if $column (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 64))))
        (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.load offset=65536 (i32.const 8200))))
