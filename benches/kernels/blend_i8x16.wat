;; SIMD: blends two images of 32 KiB by averaging, saturating and selecting, and sums the bytes; n times.
(module
  (memory 1)
  (func $prepare
    (local $i i32)
    (loop $element
      (i32.store (local.get $i) (i32.mul (local.get $i) (i32.const 0x85ebca6b)))
      (br_if $element (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 65536)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $a v128) (local $b v128) (local $sum v128)
    (call $prepare)
    (loop $again
      (local.set $i (i32.const 0))
      (loop $sixteen
        (local.set $a (v128.load (local.get $i)))
        (local.set $b (v128.load offset=32768 (local.get $i)))
        (local.set $a (v128.bitselect
          (i8x16.avgr_u (local.get $a) (local.get $b))
          (i8x16.add_sat_u (local.get $a) (i8x16.shuffle 1 0 3 2 5 4 7 6 9 8 11 10 13 12 15 14
            (local.get $b) (local.get $b)))
          (i8x16.gt_u (local.get $a) (local.get $b))))
        (v128.store (local.get $i) (local.get $a))
        (local.set $sum (i32x4.add (local.get $sum)
          (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $a)))))
        (br_if $sixteen (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 32768))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.add
      (i64.extend_i32_u (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum))))
      (i64.extend_i32_u (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))))
