;; Blocks with a handler where nothing is thrown: 1,000 calls, n times.
(module
  (tag $e (param i32))
  (func $maybe (param $x i32) (result i32)
    (if (i32.eqz (local.get $x)) (then (throw $e (i32.const 1))))
    (i32.add (local.get $x) (i32.const 1)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $again
      (local.set $i (i32.const 1000))
      (loop $each
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s
          (block $caught (result i32)
            (try_table (result i32) (catch $e $caught) (call $maybe (local.get $i)))))))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
