(module
  ;; The memory of all workers, and of the host. What lies where:
  ;;   0  how many tasks were put into the queue; the highest bit says that no more will come
  ;;   4  how many tasks were taken out of it
  ;;   8  how many are done
  ;;  64  the tasks, 16 bytes each: from, to, the result
  (import "host" "memory" (memory 1 16 shared))

  ;; Takes tasks and does them until no more will come: how many it did.
  (func (export "work") (result i32)
    (local $taken i32) (local $put i32) (local $count i32)
    (loop $next
      ;; Other workers take out of the queue at the same time: `taken` may be out of date until the exchange has succeeded.
      (local.set $taken (i32.atomic.load (i32.const 4)))
      (local.set $put (i32.atomic.load (i32.const 0)))
      (if (i32.ne (local.get $taken) (i32.and (local.get $put) (i32.const 0x7fffffff)))
        (then
          (br_if $next
            (i32.ne (local.get $taken)
              (i32.atomic.rmw.cmpxchg (i32.const 4) (local.get $taken) (i32.add (local.get $taken) (i32.const 1)))))
          (call $do (i32.add (i32.const 64) (i32.shl (local.get $taken) (i32.const 4))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next)))
      (if (i32.ge_s (local.get $put) (i32.const 0))
        (then
          ;; Sleeps until the host puts something there, unless it has done so since the load.
          (drop (memory.atomic.wait32 (i32.const 0) (local.get $put) (i64.const -1)))
          (br $next))))
    (local.get $count))

  ;; One task: the longest sequence of Collatz's that begins in a range. Then says that it is done.
  (func $do (param $task i32)
    (local $n i32) (local $length i32) (local $longest i32) (local $x i64)
    (local.set $n (i32.load (local.get $task)))
    (loop $next
      (local.set $x (i64.extend_i32_u (local.get $n)))
      (local.set $length (i32.const 1))
      (loop $step
        (if (i64.gt_u (local.get $x) (i64.const 1))
          (then
            (local.set $length (i32.add (local.get $length) (i32.const 1)))
            (local.set $x
              (select
                (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.const 1))
                (i64.shr_u (local.get $x) (i64.const 1))
                (i64.eq (i64.and (local.get $x) (i64.const 1)) (i64.const 1))))
            (br $step))))
      (if (i32.gt_u (local.get $length) (local.get $longest)) (then (local.set $longest (local.get $length))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.load offset=4 (local.get $task)))))
    (i32.store offset=8 (local.get $task) (local.get $longest))
    ;; After this the host may read the result.
    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))))
