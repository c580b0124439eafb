hbuild 1
let a = f( # behind the bracket
  # alone
  b, # behind an element
  c = # behind a sign
  d
  # last
)
let b = [
  "a",

  "b", "c" # behind

  # after a blank line
  ## documents nothing
]
let c = (a # in parentheses
  or b # twice
  # alone
  and c)
let d = { # behind the brace
  # only comments
}
let e = [x # in a comprehension
  for x in y
  ## no doc comment any more
]
image x { a = 1 # makes it several lines
}
## A doc comment.

# And another comment.
image y { ## behind the brace, so no doc comment
  ## The title.
  title = "x"   #   keeps its spaces
  # last
}



# end
