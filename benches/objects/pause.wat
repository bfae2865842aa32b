;; What pauses a program: about 100 MB of objects live, and each step makes 10,000 more, of which one in ten takes the place of an older one.
(module
  (type $node (struct (field $value i32) (field $next (mut (ref null $node)))))
  (type $nodes (array (mut (ref null $node))))
  (global $live (mut (ref null $nodes)) (ref.null $nodes))
  (global $place (mut i32) (i32.const 0))
  (func $prepare
    (local $i i32) (local $nodes (ref null $nodes))
    ;; Five million structures of 16 bytes or so, and an array of as many references.
    (local.set $nodes (array.new_default $nodes (i32.const 5000000)))
    (loop $each
      (array.set $nodes (local.get $nodes) (local.get $i) (struct.new $node (local.get $i)
        (if (result (ref null $node)) (i32.and (local.get $i) (i32.const 3))
          (then (array.get $nodes (local.get $nodes) (i32.sub (local.get $i) (i32.const 1))))
          (else (ref.null $node)))))
      (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000000))))
    (global.set $live (local.get $nodes)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $made (ref null $node))
    (if (ref.is_null (global.get $live)) (then (call $prepare)))
    (loop $again
      (local.set $i (i32.const 10000))
      (loop $each
        (local.set $made (struct.new $node (local.get $i) (ref.null $node)))
        (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 10)))
          (then
            (global.set $place (i32.rem_u (i32.add (i32.mul (global.get $place) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 5000000)))
            (array.set $nodes (global.get $live) (global.get $place) (local.get $made))))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (struct.get $node $value (local.get $made)))))
