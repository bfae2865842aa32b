;; Memory: follows a chain of pointers through 64 KiB in random order, n times.
(module
  (memory 1)
  (func $prepare
    (local $i i32)
    ;; A full-period generator modulo 8192 gives one cycle through all slots of eight bytes.
    (loop $slot
      (i32.store (i32.shl (local.get $i) (i32.const 3)) (i32.shl
        (i32.and (i32.add (i32.mul (local.get $i) (i32.const 4005)) (i32.const 6089)) (i32.const 8191))
        (i32.const 3)))
      (br_if $slot (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8192)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $p i32)
    (call $prepare)
    (loop $again
      (local.set $i (i32.const 8191))
      (loop $follow
        (local.set $p (i32.load (local.get $p)))
        (br_if $follow (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.extend_i32_u (local.get $p))))
