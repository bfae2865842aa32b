(module $exceptions
  (tag $e (param i32))
  (tag $none)
  (table $t 2 2 funcref)
  (elem (i32.const 0) func $throw $legacy)
  (func $throw (export "throw") (param i32) (result i32)
    (if (local.get 0) (then (throw $e (local.get 0))))
    (i32.const 1))
  (func $table (export "table") (param i32) (result i32) (local exnref)
    block $all (result exnref)
      block $one (result i32)
        try_table (result i32) (catch $e $one) (catch_all_ref $all)
          local.get 0
          call $throw
        end
        return
      end
      return
    end
    throw_ref)
  (func $legacy (export "legacy") (param i32) (result i32)
    try $outer (result i32)
      try (result i32)
        local.get 0
        i32.const 0
        call_indirect $t (param i32) (result i32)
      catch $e
        i32.const 1
        i32.add
        throw $e
      catch_all
        rethrow 0
      end
    catch $e
      i32.const 3
      i32.mul
    end)
  (func $folded (export "folded") (param i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do (try (result i32) (do (call $legacy (call $throw (local.get 0)))) (delegate $outer)))
          (catch_all (i32.const 9))))
      (catch $none (rethrow $outer))
      (catch $e
        (try (param i32) (result i32)
          (do (if (param i32) (result i32) (local.get 0) (then) (else (rethrow $outer))))
          (catch_all (rethrow 0)))))))
