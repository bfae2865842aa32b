;; Float, memory: 1,000 steps of eight bodies that attract each other, n times. Gives the bits of the first position.
;; A body has 64 bytes: position x, y, z, velocity x, y, z, mass.
(module
  (memory 1)
  (func $prepare
    (local $i i32) (local $p i32) (local $f f64)
    (loop $body
      (local.set $p (i32.shl (local.get $i) (i32.const 6)))
      (local.set $f (f64.convert_i32_u (local.get $i)))
      (f64.store (local.get $p) (f64.mul (local.get $f) (f64.const 3.1)))
      (f64.store offset=8 (local.get $p) (f64.sub (f64.const 7) (f64.mul (local.get $f) (local.get $f))))
      (f64.store offset=16 (local.get $p) (f64.div (f64.const 5) (f64.add (local.get $f) (f64.const 1))))
      (f64.store offset=24 (local.get $p) (f64.mul (local.get $f) (f64.const 0.01)))
      (f64.store offset=32 (local.get $p) (f64.const -0.02))
      (f64.store offset=40 (local.get $p) (f64.const 0.005))
      (f64.store offset=48 (local.get $p) (f64.add (local.get $f) (f64.const 0.5)))
      (br_if $body (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))
  (func $push (param $p i32) (param $dx f64) (param $dy f64) (param $dz f64) (param $scale f64)
    (f64.store offset=24 (local.get $p)
      (f64.add (f64.load offset=24 (local.get $p)) (f64.mul (local.get $dx) (local.get $scale))))
    (f64.store offset=32 (local.get $p)
      (f64.add (f64.load offset=32 (local.get $p)) (f64.mul (local.get $dy) (local.get $scale))))
    (f64.store offset=40 (local.get $p)
      (f64.add (f64.load offset=40 (local.get $p)) (f64.mul (local.get $dz) (local.get $scale)))))
  (func $step
    (local $a i32) (local $b i32) (local $dx f64) (local $dy f64) (local $dz f64) (local $dd f64) (local $s f64)
    (loop $first
      (local.set $b (i32.add (local.get $a) (i32.const 64)))
      (block $done
        (loop $second
          (br_if $done (i32.ge_u (local.get $b) (i32.const 512)))
          (local.set $dx (f64.sub (f64.load (local.get $a)) (f64.load (local.get $b))))
          (local.set $dy (f64.sub (f64.load offset=8 (local.get $a)) (f64.load offset=8 (local.get $b))))
          (local.set $dz (f64.sub (f64.load offset=16 (local.get $a)) (f64.load offset=16 (local.get $b))))
          (local.set $dd (f64.add
            (f64.add (f64.mul (local.get $dx) (local.get $dx)) (f64.mul (local.get $dy) (local.get $dy)))
            (f64.add (f64.mul (local.get $dz) (local.get $dz)) (f64.const 0.01))))
          (local.set $s (f64.div (f64.const 0.001) (f64.mul (local.get $dd) (f64.sqrt (local.get $dd)))))
          (call $push (local.get $a) (local.get $dx) (local.get $dy) (local.get $dz)
            (f64.neg (f64.mul (local.get $s) (f64.load offset=48 (local.get $b)))))
          (call $push (local.get $b) (local.get $dx) (local.get $dy) (local.get $dz)
            (f64.mul (local.get $s) (f64.load offset=48 (local.get $a))))
          (local.set $b (i32.add (local.get $b) (i32.const 64)))
          (br $second)))
      (br_if $first (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 64))) (i32.const 512))))
    (local.set $a (i32.const 0))
    (loop $move
      (f64.store (local.get $a) (f64.add (f64.load (local.get $a))
        (f64.mul (f64.load offset=24 (local.get $a)) (f64.const 0.001))))
      (f64.store offset=8 (local.get $a) (f64.add (f64.load offset=8 (local.get $a))
        (f64.mul (f64.load offset=32 (local.get $a)) (f64.const 0.001))))
      (f64.store offset=16 (local.get $a) (f64.add (f64.load offset=16 (local.get $a))
        (f64.mul (f64.load offset=40 (local.get $a)) (f64.const 0.001))))
      (br_if $move (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 64))) (i32.const 512)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32)
    (call $prepare)
    (loop $again
      (local.set $i (i32.const 1000))
      (loop $steps
        (call $step)
        (br_if $steps (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
    (i64.load (i32.const 0))))
