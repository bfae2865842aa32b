;; Casts to final types: 1,024 objects of two types, told apart by ref.test and then cast, n times.
(module
  (type $even (sub final (struct (field i32))))
  (type $odd (sub final (struct (field i64))))
  (type $all (array (mut (ref null struct))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $sum i64) (local $all (ref null $all)) (local $object (ref null struct))
    (local.set $all (array.new_default $all (i32.const 1024)))
    (loop $fill
      (array.set $all (local.get $all) (local.get $i)
        (if (result (ref struct)) (i32.and (i32.mul (local.get $i) (i32.const 0x9e3779b1)) (i32.const 0x10000))
          (then (struct.new $odd (i64.extend_i32_u (local.get $i))))
          (else (struct.new $even (local.get $i)))))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (loop $again
      (local.set $i (i32.const 1023))
      (loop $each
        (local.set $object (array.get $all (local.get $all) (local.get $i)))
        (local.set $sum (i64.add (local.get $sum)
          (if (result i64) (ref.test (ref $even) (local.get $object))
            (then (i64.extend_i32_u (struct.get $even 0 (ref.cast (ref $even) (local.get $object)))))
            (else (struct.get $odd 0 (ref.cast (ref $odd) (local.get $object)))))))
        (br_if $each (i32.ge_s (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0))))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))
