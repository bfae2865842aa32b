(module $instructions
  (type $t (func (param i32 i64 f32 f64) (result i32)))
  (memory 1 2)
  (table $t 4 8 funcref)
  (elem (i32.const 0) func $control $numbers)
  (global $g (mut i32) (i32.const 7))
  (func $control (export "control") (param $x i32) (result i32)
    (local $y i32) (local i64 f32 f64 v128 funcref externref)
    block $out (result i32)
      loop $again
        local.get $x
        br_if $again
        (if (i32.eqz (local.get $y)) (then nop) (else (br $out (i32.const 3))))
        (br_table $again $again 1 (i32.const 2) (i32.const 2))
      end
      local.get $x
      i32.const 0
      (call_indirect $t (param i32) (result i32))
    end
    (select (global.get $g) (i32.const -1))
    drop
    return)
  (func $numbers (type $t)
    (i32.add (local.get 0) (i32.wrap_i64 (local.get 1)))
    (i32.trunc_sat_f64_s (f64.promote_f32 (f32.mul (local.get 2) (f32.const -0x1.8p+3))))
    i32.rotl
    (i32.extend8_s (i32.load8_u offset=3 align=1 (i32.const 0x10)))
    i32.xor
    (i64.store (i32.const 8) (i64.reinterpret_f64 (f64.const nan:0x8000000000000)))
    (memory.fill (i32.const 0) (i32.const 1) (memory.size)))
  (func (result v128)
    (i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31
      (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
      (f32x4.splat (f32.const inf)))
    (i32x4.extract_lane 3)
    (v128.load16x4_s offset=8 (i32.const 0))
    i64x2.replace_lane 1))
