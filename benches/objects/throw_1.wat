;; Exceptions: thrown by the function that a block with a handler calls, with a number that is read there, 100 of them, n times.
(module
  (tag $e (param i32))
  (func $throw (param $depth i32) (param $x i32) (result i32)
    (if (i32.le_s (local.get $depth) (i32.const 1)) (then (throw $e (local.get $x))))
    (i32.add (i32.const 1) (call $throw (i32.sub (local.get $depth) (i32.const 1)) (local.get $x))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $again
      (local.set $i (i32.const 100))
      (loop $each
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s
          (block $caught (result i32)
            (try_table (result i32) (catch $e $caught)
              (call $throw (i32.const 1) (local.get $i)))))))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
