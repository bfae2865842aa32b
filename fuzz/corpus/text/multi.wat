;; Several values in and out, on both sides of the boundary.
(module
  (import "host" "divide" (func $divide (param i64 i64) (result i64 i64)))
  (func (export "reverse") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  ;; Seconds into hours, minutes and seconds, by means of the host's division with remainder.
  (func (export "clock") (param $seconds i64) (result i64 i64 i64)
    (local $minutes i64)
    (call $divide (local.get $seconds) (i64.const 60))
    (local.set $seconds)
    (local.set $minutes)
    (call $divide (local.get $minutes) (i64.const 60))
    (local.get $seconds)))
