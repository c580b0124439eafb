hbuild 1
