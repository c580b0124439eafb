hbuild 1

# What an image of the runtime flavor drops unless its recipe says otherwise.

let runtime = {}
