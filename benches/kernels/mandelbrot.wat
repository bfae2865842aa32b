;; Float: the Mandelbrot set on 128 x 128 points with at most 100 steps, n times. Gives the sum of the steps.
(module
  (func (export "run") (param $n i32) (result i64)
    (local $px i32) (local $py i32) (local $k i32) (local $sum i64)
    (local $cx f64) (local $cy f64) (local $x f64) (local $y f64) (local $xx f64) (local $yy f64)
    (loop $again
      (local.set $py (i32.const 0))
      (loop $row
        (local.set $cy (f64.sub (f64.div (f64.convert_i32_s (local.get $py)) (f64.const 51.2)) (f64.const 1.25)))
        (local.set $px (i32.const 0))
        (loop $point
          (local.set $cx (f64.sub (f64.div (f64.convert_i32_s (local.get $px)) (f64.const 51.2)) (f64.const 2)))
          (local.set $x (f64.const 0))
          (local.set $y (f64.const 0))
          (local.set $xx (f64.const 0))
          (local.set $yy (f64.const 0))
          (local.set $k (i32.const 0))
          (block $out
            (loop $step
              (br_if $out (f64.gt (f64.add (local.get $xx) (local.get $yy)) (f64.const 4)))
              (local.set $y (f64.add
                (f64.mul (f64.mul (local.get $x) (local.get $y)) (f64.const 2)) (local.get $cy)))
              (local.set $x (f64.add (f64.sub (local.get $xx) (local.get $yy)) (local.get $cx)))
              (local.set $xx (f64.mul (local.get $x) (local.get $x)))
              (local.set $yy (f64.mul (local.get $y) (local.get $y)))
              (br_if $step (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 100)))))
          (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $k))))
          (br_if $point (i32.lt_u (local.tee $px (i32.add (local.get $px) (i32.const 1))) (i32.const 128))))
        (br_if $row (i32.lt_u (local.tee $py (i32.add (local.get $py) (i32.const 1))) (i32.const 128))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $sum)))
