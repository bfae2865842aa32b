;; Keeps references of the host that it can neither read nor forge.
(module
  (import "host" "visit" (func $visit (param externref)))
  (table $kept 4 externref)
  (global $latest (export "latest") (mut externref) (ref.null extern))
  (func (export "keep") (param $slot i32) (param $what externref)
    (table.set $kept (local.get $slot) (local.get $what))
    (global.set $latest (local.get $what)))
  (func (export "get") (param $slot i32) (result externref)
    (table.get $kept (local.get $slot)))
  (func (export "visit_all")
    (local $i i32)
    (loop $next
      (if (i32.eqz (ref.is_null (table.get $kept (local.get $i))))
        (then (call $visit (table.get $kept (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (table.size $kept))))))
