;; The start function runs as part of instantiation. This one asks the host whether it may.
(module
  (import "host" "may_start" (func $may_start (result i32)))
  (global $started (export "started") (mut i32) (i32.const 0))
  (func $give_up (unreachable))
  (func $start
    (if (i32.eqz (call $may_start)) (then (call $give_up)))
    (global.set $started (i32.const 1)))
  (start $start))
