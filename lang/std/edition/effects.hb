hbuild 1

let effects = {}
