;; Casts to types that have subtypes: br_on_cast to one of depth 3 and to one of depth 1, of 1,024 objects of depths 1 to 4, n times.
(module
  (type $a (sub (struct (field i32))))
  (type $b (sub $a (struct (field i32))))
  (type $c (sub $b (struct (field i32) (field i32))))
  (type $d (sub $c (struct (field i32) (field i32))))
  (type $e (sub $d (struct (field i32) (field i32) (field i32))))
  (type $all (array (mut (ref null struct))))
  (func $make (param $i i32) (result (ref struct))
    (block $one (block $two (block $three
      (br_table $one $two $three (i32.and (i32.shr_u (i32.mul (local.get $i) (i32.const 0x9e3779b1)) (i32.const 20)) (i32.const 3))))
      (return (struct.new $e (local.get $i) (i32.const 2) (i32.const 3))))
      (return (struct.new $d (local.get $i) (i32.const 2))))
    (struct.new $b (local.get $i)))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum i64) (local $all (ref null $all)) (local $object (ref null struct))
    (local.set $all (array.new_default $all (i32.const 1024)))
    (loop $fill
      (array.set $all (local.get $all) (local.get $i) (call $make (local.get $i)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (loop $again
      (local.set $i (i32.const 1023))
      (loop $each
        (local.set $object (array.get $all (local.get $all) (local.get $i)))
        (block $done
          (block $is_d (result (ref $d))
            (drop (block $is_b (result (ref $b))
              (br_on_cast $is_d (ref null struct) (ref $d) (local.get $object))
              (br_on_cast $is_b (ref null struct) (ref $b))
              (drop)
              (br $done)))
            (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
            (br $done))
          (local.set $sum (i64.add (i64.extend_i32_u (struct.get $d 1)) (local.get $sum))))
        (br_if $each (i32.ge_s (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
