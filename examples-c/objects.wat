;; A list of people, whose objects the host makes, reads and changes too.
(module
  (type $text (array i8))
  (rec (type $person (sub (struct
    (field $name (ref $text)) (field $age (mut i32)) (field $next (mut (ref null $person)))))))
  (type $member (sub final $person (struct
    (field $name (ref $text)) (field $age (mut i32)) (field $next (mut (ref null $person))) (field $since i32))))
  (type $people (array (mut (ref null $person))))
  (import "host" "birthday" (func $birthday (param (ref $person))))
  (global $first (export "first") (mut (ref null $person)) (ref.null $person))
  (data $ann "Ann")

  ;; Puts a person at the head of the list.
  (func $add (export "add") (param $who (ref $person))
    (struct.set $person $next (local.get $who) (global.get $first))
    (global.set $first (local.get $who)))

  ;; A person of the guest's own, who is a member.
  (func (export "ann") (result (ref $person))
    (struct.new $member
      (array.new_data $text $ann (i32.const 0) (i32.const 3)) (i32.const 30) (ref.null $person) (i32.const 2019)))

  ;; Everybody is a year older; the host is told of each.
  (func (export "celebrate")
    (local $who (ref null $person))
    (local.set $who (global.get $first))
    (block $end
      (loop $next
        (br_if $end (ref.is_null (local.get $who)))
        (struct.set $person $age (local.get $who)
          (i32.add (struct.get $person $age (local.get $who)) (i32.const 1)))
        (call $birthday (ref.as_non_null (local.get $who)))
        (local.set $who (struct.get $person $next (local.get $who)))
        (br $next))))

  ;; Sorts an array of people, the oldest first.
  (func (export "sort") (param $all (ref $people))
    (local $i i32) (local $j i32) (local $a (ref null $person)) (local $b (ref null $person))
    (block $sorted
      (loop $outer
        (br_if $sorted (i32.ge_u (local.get $i) (array.len (local.get $all))))
        (local.set $j (i32.add (local.get $i) (i32.const 1)))
        (block $end
          (loop $inner
            (br_if $end (i32.ge_u (local.get $j) (array.len (local.get $all))))
            (local.set $a (array.get $people (local.get $all) (local.get $i)))
            (local.set $b (array.get $people (local.get $all) (local.get $j)))
            (if (i32.lt_s (struct.get $person $age (local.get $a)) (struct.get $person $age (local.get $b)))
              (then
                (array.set $people (local.get $all) (local.get $i) (local.get $b))
                (array.set $people (local.get $all) (local.get $j) (local.get $a))))
            (local.set $j (i32.add (local.get $j) (i32.const 1)))
            (br $inner)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $outer))))

  (func (export "forget") (global.set $first (ref.null $person))))
