(module
  ;; The host's tag: what it throws when it has no price.
  (import "host" "unknown" (tag $unknown (param i32)))
  (import "host" "price" (func $price (param i32) (result i32)))

  ;; The module's own tag: what was wanted, and what there is.
  (tag $too_little (export "too_little") (param i32 i32))

  (global $money (mut i32) (i32.const 100))

  (func $pay (param $sum i32) (result i32)
    (if (i32.gt_u (local.get $sum) (global.get $money))
      (then (throw $too_little (local.get $sum) (global.get $money))))
    (global.set $money (i32.sub (global.get $money) (local.get $sum)))
    (global.get $money))

  ;; Buys `count` of an item: what money is left. Catches nothing.
  (func (export "buy") (param $item i32) (param $count i32) (result i32)
    (call $pay (i32.mul (call $price (local.get $item)) (local.get $count))))

  ;; The price of an item; that of the item before it, if the host does not know it.
  (func $estimate (export "estimate") (param $item i32) (result i32)
    (block $catch (result i32)
      (try_table (result i32) (catch $unknown $catch)
        (call $price (local.get $item)))
      return)
    ;; On the stack: what the exception carries.
    (call $estimate (i32.sub (i32.const 1))))

  ;; Counts, whatever it is that is thrown, and throws it again.
  (func (export "watch") (param $item i32) (result i32)
    (block $catch (result exnref)
      (try_table (result i32) (catch_all_ref $catch)
        (call $price (local.get $item)))
      return)
    (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
    throw_ref)

  (global $caught (export "caught") (mut i32) (i32.const 0)))
