;; Access to structures: a ring of 1,000, each read, written and followed to the next, n times.
(module
  (type $node (struct (field $value (mut i32)) (field $weight (mut f64)) (field $next (mut (ref null $node)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $first (ref null $node)) (local $node (ref null $node)) (local $sum f64)
    (local.set $first (struct.new $node (i32.const 0) (f64.const 1) (ref.null $node)))
    (local.set $node (local.get $first))
    (loop $make
      (local.set $node (struct.new $node (local.get $i) (f64.const 2) (local.get $node)))
      (br_if $make (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 999))))
    (struct.set $node $next (local.get $first) (local.get $node))
    (loop $again
      (local.set $i (i32.const 1000))
      (loop $each
        (struct.set $node $value (local.get $node) (i32.add (struct.get $node $value (local.get $node)) (i32.const 1)))
        (local.set $sum (f64.add (local.get $sum) (struct.get $node $weight (local.get $node))))
        (local.set $node (struct.get $node $next (local.get $node)))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.add (i64.extend_i32_u (struct.get $node $value (local.get $node))) (i64.trunc_sat_f64_s (local.get $sum)))))
