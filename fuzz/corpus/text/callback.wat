;; `run` hands the squares of 1 to n to the host, one by one, and returns what the last call returned.
(module
  (import "host" "add" (func $add (param i64) (result i64)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $total i64)
    (loop $next
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.set $total
        (call $add (i64.extend_i32_u (i32.mul (local.get $i) (local.get $i)))))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $total)))
