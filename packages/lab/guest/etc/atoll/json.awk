# Flattens one JSON text (RFC 8259): prints for each string, number, true, false and null its JSON pointer (RFC 6901),
# a tab and its value on one line. In values, backslash and newline are written as \\ and \n: printf '%b' undoes it.
# Exits 1 at the first thing that is not JSON.

{ text = text $0 "\n" }

END {
  for (code = 1; code < 256; code++) byte[code] = sprintf("%c", code)
  read_value("")
  if (next_character() != "") fail()
}

function fail() { exit 1 }

function next_character() {
  sub(/^[ \t\r\n]+/, "", text)
  return substr(text, 1, 1)
}

function take(count,    taken) {
  taken = substr(text, 1, count)
  text = substr(text, count + 1)
  return taken
}

function read_value(path,    first) {
  first = next_character()
  if (first == "{") read_object(path)
  else if (first == "[") read_array(path)
  else if (first == "\"") print path "\t" escape(read_string())
  else if (match(text, /^(-?[0-9][-+.eE0-9]*|true|false|null)/)) print path "\t" take(RLENGTH)
  else fail()
}

function read_object(path,    key) {
  take(1)
  if (next_character() == "}") { take(1); return }
  while (1) {
    if (next_character() != "\"") fail()
    key = read_string()
    gsub(/~/, "~0", key)
    gsub(/\//, "~1", key)
    if (next_character() != ":") fail()
    take(1)
    read_value(path "/" escape(key))
    if (is_end("}")) return
  }
}

function read_array(path,    position) {
  take(1)
  if (next_character() == "]") { take(1); return }
  for (position = 0; ; position++) {
    read_value(path "/" position)
    if (is_end("]")) return
  }
}

function is_end(closing,    mark) {
  mark = next_character()
  if (mark != closing && mark != ",") fail()
  take(1)
  return mark == closing
}

function read_string(    raw, result, at, kind, code) {
  if (!match(text, /^"([^"\\]|\\.)*"/)) fail()
  raw = take(RLENGTH)
  raw = substr(raw, 2, length(raw) - 2)
  result = ""
  while ((at = index(raw, "\\")) > 0) {
    kind = substr(raw, at + 1, 1)
    result = result substr(raw, 1, at - 1)
    raw = substr(raw, at + 2)
    if (kind == "u") {
      code = hexadecimal(substr(raw, 1, 4))
      raw = substr(raw, 5)
      # A character outside the basic plane comes as two surrogates.
      if (code >= 55296 && code < 56320 && substr(raw, 1, 2) == "\\u") {
        code = 65536 + (code - 55296) * 1024 + hexadecimal(substr(raw, 3, 4)) - 56320
        raw = substr(raw, 7)
      }
      result = result utf8(code)
    } else if (kind == "n") result = result "\n"
    else if (kind == "t") result = result "\t"
    else if (kind == "r") result = result "\r"
    else if (kind == "b") result = result "\b"
    else if (kind == "f") result = result "\f"
    else result = result kind
  }
  return result raw
}

function hexadecimal(digits,    position, number) {
  for (position = 1; position <= 4; position++)
    number = number * 16 + index("0123456789abcdef", tolower(substr(digits, position, 1))) - 1
  return number
}

function utf8(code) {
  if (code < 128) return byte[code]
  if (code < 2048) return byte[192 + int(code / 64)] byte[128 + code % 64]
  if (code < 65536) return byte[224 + int(code / 4096)] byte[128 + int(code / 64) % 64] byte[128 + code % 64]
  return byte[240 + int(code / 262144)] byte[128 + int(code / 4096) % 64] \
    byte[128 + int(code / 64) % 64] byte[128 + code % 64]
}

function escape(value) {
  gsub(/\\/, "\\\\", value)
  gsub(/\n/, "\\n", value)
  gsub(/\t/, "\\t", value)
  gsub(/\r/, "\\r", value)
  return value
}
