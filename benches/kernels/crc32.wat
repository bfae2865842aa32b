;; Integer, memory: CRC-32 by table of 64 KiB made by xorshift, n times.
(module
  (memory 2)
  (func $prepare
    (local $i i32) (local $c i32) (local $k i32) (local $x i32)
    (loop $entry
      (local.set $c (local.get $i))
      (local.set $k (i32.const 8))
      (loop $bit
        (local.set $c (i32.xor
          (i32.shr_u (local.get $c) (i32.const 1))
          (i32.and (i32.const 0xedb88320) (i32.sub (i32.const 0) (i32.and (local.get $c) (i32.const 1))))))
        (br_if $bit (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $c))
      (br_if $entry (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256))))
    (local.set $x (i32.const 2463534242))
    (local.set $i (i32.const 0))
    (loop $byte
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (i32.store8 offset=1024 (local.get $i) (local.get $x))
      (br_if $byte (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $c i32)
    (call $prepare)
    (local.set $c (i32.const -1))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $byte
        (local.set $c (i32.xor
          (i32.load (i32.shl
            (i32.and (i32.xor (local.get $c) (i32.load8_u offset=1024 (local.get $i))) (i32.const 255))
            (i32.const 2)))
          (i32.shr_u (local.get $c) (i32.const 8))))
        (br_if $byte (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.extend_i32_u (i32.xor (local.get $c) (i32.const -1)))))
