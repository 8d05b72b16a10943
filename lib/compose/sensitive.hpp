// Texts that look like passwords, keys and tokens, for a warning before a file is given away. Pure. It knows the usual
// forms and no others: that it finds nothing proves nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::compose {

struct Sensitive {
    std::string kind; // "Private key", "Password" …
    std::string key;  // what it stands under, or how it begins; never the whole value
    int line = 0;     // from 1
    // A "Password" that nobody has thought out: four bits of entropy to a character, or more.
    bool random = false;
};

// Of a compose file or an env file: "KEY: value", "KEY=value", "- KEY=value", and what is known by its form. A value
// that is a variable, a path or empty is none.
std::vector<Sensitive> sensitive_texts(std::string_view text);

// "DB_PASSWORD" and the like; what names a file or a place of one is none.
bool names_a_secret(std::string_view key);
// Three characters or more, which do not begin with a variable and do not end with one in braces: these stand for what
// is somewhere else. "$$" is a dollar.
bool is_literal(std::string_view value);

} // namespace davit::compose
