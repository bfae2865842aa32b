;; A counter that belongs to the host, a limit that belongs to the module.
(module
  (import "host" "counter" (global $counter (mut i64)))
  (global $limit (export "limit") i64 (i64.const 100))
  (global $last (export "last") (mut f64) (f64.const 0))
  (func (export "step") (param $by i64) (result i32)
    (global.set $counter (i64.add (global.get $counter) (local.get $by)))
    (global.set $last (f64.convert_i64_s (local.get $by)))
    (i64.gt_s (global.get $counter) (global.get $limit))))
