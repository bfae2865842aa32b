;; SIMD: the dot product of two vectors of 4,096 f32, four at a time, n times. Gives the bits of the sum.
(module
  (memory 1)
  (func $prepare
    (local $i i32)
    (loop $element
      (f32.store (i32.shl (local.get $i) (i32.const 2))
        (f32.div (f32.convert_i32_s (i32.sub (i32.rem_u (local.get $i) (i32.const 19)) (i32.const 9))) (f32.const 4)))
      (br_if $element (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8192)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum v128)
    (call $prepare)
    (loop $again
      (local.set $i (i32.const 0))
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (loop $four
        (local.set $sum (f32x4.add (local.get $sum)
          (f32x4.mul (v128.load (local.get $i)) (v128.load offset=16384 (local.get $i)))))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 16384))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.extend_i32_u (i32.reinterpret_f32 (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum))))))))
