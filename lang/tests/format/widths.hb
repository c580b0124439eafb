hbuild 1
let fits = ["0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789"]
let one-more = ["0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789"]
let records = [{ name = "a" }, { name = "b", title = "0123456789012345678901234567890123456789" }, { name = "c" }]
let condition = flavor == dev and distro is debian("13") or flavor == runtime and distro is alpine("3.24") and other
let sum = c.toolchain(distro) + match distro { alpine => ["0123456789", "0123456789"], debian => ["0123456789"] }
let call = some-function(first = "0123456789", second = "0123456789", third = "0123456789", fourth = "0123456")
let umlauts = ["ääääääääää", "ääääääääää", "ääääääääää", "ääääääääää", "ääääääääää", "ääääääääää", "äääääää"]
image x {
  a = 1
  bbb += [2]
  env.PATH = "x"
  cc = 3, dddd = 4

  e = 5
  ffffffffffffffffffffffffffffff = 6
  g = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
  test "stays on one line" { run = ["a"]; stdout = "b" }
  test "does not fit on one line" { run = ["0123456789", "0123456789"], stdout = "0123456789012345678901234567890" }
}
