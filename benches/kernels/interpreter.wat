;; Branches: a bytecode interpreter dispatching by br_table, with its program counter in a local and its accumulator in
;; a global. The program counts a register down from 10,000; n times.
(module
  (memory 1)
  ;; 0 add 1 byte; 1 multiply by byte; 2 xor with the counter; 3 rotate by byte; 4 decrement, jump back unless zero
  (data (i32.const 0) "\00\07\01\1f\02\00\03\05\00\03\02\00\01\0d\04\00")
  (global $acc (mut i64) (i64.const 0))
  (func $interpret
    (local $pc i32) (local $counter i32) (local $byte i64)
    (local.set $counter (i32.const 10000))
    (loop $next
      (local.set $byte (i64.load8_u offset=1 (local.get $pc)))
      (block $jump (block $rotate (block $xor (block $mul (block $add
        (br_table $add $mul $xor $rotate $jump (i32.load8_u (local.get $pc))))
        ;; add
        (global.set $acc (i64.add (global.get $acc) (local.get $byte)))
        (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
        (br $next))
        ;; multiply
        (global.set $acc (i64.mul (global.get $acc) (local.get $byte)))
        (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
        (br $next))
        ;; xor
        (global.set $acc (i64.xor (global.get $acc) (i64.extend_i32_u (local.get $counter))))
        (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
        (br $next))
        ;; rotate
        (global.set $acc (i64.rotl (global.get $acc) (local.get $byte)))
        (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
        (br $next))
      ;; jump
      (local.set $pc (i32.const 0))
      (br_if $next (local.tee $counter (i32.sub (local.get $counter) (i32.const 1))))))
  (func (export "run") (param $n i32) (result i64)
    (global.set $acc (i64.const 0))
    (loop $again
      (call $interpret)
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (global.get $acc)))
