;; Atomic instructions on a memory that is not shared: a lock taken and given back, a counter, a sum, n times 1,000.
;; What a compiler makes of std::atomic and mutexes where there is one thread. Gives the sum.
(module
  (memory 1)
  (func (export "run") (param $n i32) (result i64)
    (local $i i32)
    (i64.atomic.store (i32.const 16) (i64.const 0))
    (loop $again
      (local.set $i (i32.const 1000))
      (loop $next
        (loop $locked
          (br_if $locked (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))))
        (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
        (drop (i64.atomic.rmw.add (i32.const 16) (i64.extend_i32_u (i32.atomic.load (i32.const 8)))))
        (i32.atomic.store (i32.const 0) (i32.const 0))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $next (local.get $i)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.atomic.load (i32.const 16))))
