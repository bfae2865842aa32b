;; An instance with a memory and a table of its own, so that leaking it would be felt.
(module
  (memory 1)
  (table 100 funcref)
  (func $store (export "store") (param i32) (i32.store (i32.const 0) (local.get 0)))
  (elem declare func $store))
