;; Allocation of what dies at once: 1,000 pairs, each made of the one before, which nothing refers to any more, n times.
(module
  (type $pair (struct (field i32) (field i32)))
  (func $next (param $p (ref $pair)) (result (ref $pair))
    (struct.new $pair
      (i32.add (struct.get $pair 0 (local.get $p)) (struct.get $pair 1 (local.get $p)))
      (i32.xor (struct.get $pair 0 (local.get $p)) (i32.const 7))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $p (ref $pair))
    (local.set $p (struct.new $pair (i32.const 1) (i32.const 2)))
    (loop $again
      (local.set $i (i32.const 1000))
      (loop $each
        (local.set $p (call $next (local.get $p)))
        (br_if $each (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i64.extend_i32_u (struct.get $pair 0 (local.get $p)))))
