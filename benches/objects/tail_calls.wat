;; Loops of tail calls: two functions that call each other 1,000 times, one by name and one by reference, n times.
(module
  (type $f (func (param i32 i64) (result i64)))
  (elem declare func $even)
  (func $even (type $f)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3)) (ref.func $even)))
  (func $odd (param $i i32) (param $sum i64) (param $next (ref $f)) (result i64)
    (return_call_ref $f (i32.sub (local.get $i) (i32.const 1)) (i64.xor (local.get $sum) (i64.const 5)) (local.get $next)))
  (func (export "run") (param $n i32) (result i64)
    (local $sum i64)
    (loop $again
      (local.set $sum (call $even (i32.const 1000) (local.get $sum)))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
