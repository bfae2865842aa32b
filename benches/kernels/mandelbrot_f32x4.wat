;; SIMD: the Mandelbrot set on 128 x 128 points, four at a time, with at most 100 steps, n times.
(module
  (func (export "run") (param $n i32) (result i64)
    (local $px i32) (local $py i32) (local $k i32) (local $count v128) (local $inside v128)
    (local $cx v128) (local $cy v128) (local $x v128) (local $y v128) (local $xx v128) (local $yy v128)
    (loop $again
      (local.set $py (i32.const 0))
      (loop $row
        (local.set $cy (f32x4.splat
          (f32.sub (f32.div (f32.convert_i32_s (local.get $py)) (f32.const 51.2)) (f32.const 1.25))))
        (local.set $px (i32.const 0))
        (loop $four
          (local.set $cx (f32x4.sub
            (f32x4.mul
              (f32x4.convert_i32x4_s (i32x4.add (i32x4.splat (local.get $px)) (v128.const i32x4 0 1 2 3)))
              (v128.const f32x4 0.01953125 0.01953125 0.01953125 0.01953125))
            (v128.const f32x4 2 2 2 2)))
          (local.set $x (v128.const f32x4 0 0 0 0))
          (local.set $y (v128.const f32x4 0 0 0 0))
          (local.set $xx (v128.const f32x4 0 0 0 0))
          (local.set $yy (v128.const f32x4 0 0 0 0))
          (local.set $k (i32.const 0))
          (block $out
            (loop $step
              (local.set $inside (f32x4.le (f32x4.add (local.get $xx) (local.get $yy)) (v128.const f32x4 4 4 4 4)))
              (br_if $out (i32.eqz (v128.any_true (local.get $inside))))
              (local.set $count (i32x4.sub (local.get $count) (local.get $inside)))
              (local.set $y (f32x4.add (local.get $cy)
                (f32x4.mul (f32x4.mul (local.get $x) (local.get $y)) (v128.const f32x4 2 2 2 2))))
              (local.set $x (f32x4.add (f32x4.sub (local.get $xx) (local.get $yy)) (local.get $cx)))
              (local.set $xx (f32x4.mul (local.get $x) (local.get $x)))
              (local.set $yy (f32x4.mul (local.get $y) (local.get $y)))
              (br_if $step (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 100)))))
          (br_if $four (i32.lt_u (local.tee $px (i32.add (local.get $px) (i32.const 4))) (i32.const 128))))
        (br_if $row (i32.lt_u (local.tee $py (i32.add (local.get $py) (i32.const 1))) (i32.const 128))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.add
      (i64.extend_i32_u (i32.add (i32x4.extract_lane 0 (local.get $count)) (i32x4.extract_lane 1 (local.get $count))))
      (i64.extend_i32_u (i32.add (i32x4.extract_lane 2 (local.get $count)) (i32x4.extract_lane 3 (local.get $count)))))))
