// Patterns of paths: COPY's wildcards, .dockerignore, --exclude.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

// * and ? match all but "/"; [a-z] and [^a-z] one character of a set; a backslash makes the next character ordinary. Of
// Stars::across a backslash before a letter or a digit means what it means to Go's regular expressions: \d, \w, \t;
// and so does "^" beside wildcards, which is the beginning of the path.
class PathPattern {
public:
    enum class Stars {
        single, // ** is like *: COPY's sources
        across, // "**/" matches any number of directories, none too; ** at the end everything
    };
    // Throws Errc::invalid_project: a set that is not closed or empty, a backslash at the end or, of Stars::across,
    // before a letter that it gives no meaning.
    PathPattern(std::string_view pattern, Stars stars);

    // The whole of path.
    bool matches(std::string_view path) const;

private:
    struct Element {
        enum class Kind { one, any, set, start, star, directories, everything } kind;
        char32_t character = 0;
        bool negated = false;
        std::vector<std::pair<char32_t, char32_t>> ranges = {};
        bool takes(char32_t c) const;
        bool repeats() const { return kind >= Kind::star; }
    };
    void add_set(std::string_view& rest, std::string_view pattern, Stars stars);
    void add_escape(std::string_view& rest, std::string_view pattern);
    std::vector<Element> elements_;
    std::string begin_, end_; // plain characters that each path that matches begins and ends with
};

// *, ? or [ that is not escaped: the name of a file else.
bool has_wildcards(std::string_view path);

} // namespace davit::dockerfile
