;; Memory: copies 64 KiB by words of eight bytes, then back by bytes, n times.
(module
  (memory 2)
  (func (export "run") (param $n i32) (result i64)
    (local $i i32)
    (loop $fill
      (i64.store (local.get $i) (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x9e3779b97f4a7c15)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65536))))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $word
        (i64.store offset=65536 (local.get $i) (i64.load (local.get $i)))
        (br_if $word (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65536))))
      (local.set $i (i32.const 0))
      (loop $byte
        (i32.store8 (local.get $i) (i32.load8_u offset=65536 (local.get $i)))
        (br_if $byte (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.load (i32.const 4096))))
