;; Allocation of what survives for a while: a binary tree of 16,383 nodes is made and counted while the one before is kept, n times.
(module
  (type $tree (struct (field (ref null $tree)) (field (ref null $tree))))
  (global $kept (mut (ref null $tree)) (ref.null $tree))
  (func $make (param $depth i32) (result (ref $tree))
    (if (result (ref $tree)) (local.get $depth)
      (then (struct.new $tree
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))
      (else (struct.new $tree (ref.null $tree) (ref.null $tree)))))
  (func $count (param $t (ref null $tree)) (result i32)
    (if (result i32) (ref.is_null (local.get $t))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add
        (call $count (struct.get $tree 0 (local.get $t)))
        (call $count (struct.get $tree 1 (local.get $t))))))))
  (func (export "run") (param $n i32) (result i64)
    (local $sum i64) (local $made (ref null $tree))
    (loop $again
      (local.set $made (call $make (i32.const 13)))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $count (local.get $made)))))
      (global.set $kept (local.get $made))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
