// Patterns of ${x#p}, ${x%p} and ${x/p/r}: *, ? and escapes; linear in the text for each star.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

class WordPattern {
public:
    // Throws Errc::invalid_project: a backslash before a character that needs none.
    explicit WordPattern(std::string_view pattern);

    std::string without_prefix(std::string_view text, bool longest) const;
    std::string without_suffix(std::string_view text, bool longest) const;
    std::string replaced(std::string_view text, std::string_view by, bool all) const;

private:
    struct Element {
        enum class Kind { one, any, star } kind;
        char32_t character;
    };
    using Elements = std::vector<Element>;
    using Text = std::vector<char32_t>;
    static bool takes(const Element& element, char32_t c);
    template <typename Found>
    static void walk(const Elements& elements, const Text& text, std::size_t from, bool anywhere, Found&& found);

    Elements elements_, reversed_;
};

} // namespace davit::dockerfile
