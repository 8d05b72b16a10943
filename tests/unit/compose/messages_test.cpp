// What davit says about mistakes, word by word: messages/*.txt. To take over new wordings, after
// having read them aloud: DAVIT_UPDATE_GOLDEN=1 unit_compose_messages
#include "davit/load.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace davit;

namespace {

struct Case {
    std::string title, input, expected;
};

std::string read_whole(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<Case> read_cases(const std::string& text) {
    std::vector<Case> out;
    std::istringstream in(text);
    bool expected = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("=== ")) {
            out.push_back({line.substr(4), {}, {}});
            expected = false;
        } else if (line == "-----") {
            expected = true;
        } else if (!out.empty()) {
            (expected ? out.back().expected : out.back().input) += line + "\n";
        }
    }
    return out;
}

// "+++ NAME" starts another file, "@ NAME=value" is a variable, "@profile NAME" enables one.
LoadOptions set_up(const Case& c, const std::string& directory) {
    LoadOptions o;
    o.current_dir = directory;
    o.project_name = "demo";
    std::string name = "compose.yaml";
    o.files = {name};
    std::istringstream in(c.input);
    std::map<std::string, std::string> files{{name, ""}};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("+++ ")) {
            name = line.substr(4);
            if (name.starts_with("-f ")) o.files.push_back(name = name.substr(3));
            files[name];
        } else if (line.starts_with("@ ")) {
            o.environment[line.substr(2, line.find('=') - 2)] = line.substr(line.find('=') + 1);
        } else {
            files[name] += line + "\n";
        }
    }
    for (const auto& [file, text] : files) {
        std::filesystem::create_directories(std::filesystem::path(directory + "/" + file).parent_path());
        std::ofstream(directory + "/" + file) << text;
    }
    return o;
}

std::string say(const LoadOptions& o) {
    try {
        LoadResult result = load(o);
        std::string out;
        for (const auto* all : {&result.warnings, &result.unacted})
            for (const Diagnostic& d : *all) out += to_string(d) + "\n";
        return out;
    } catch (const LoadError& e) {
        return e.describe_all() + "\n";
    } catch (const Error& e) {
        return "error: " + e.describe() + "\n";
    }
}

std::string without(std::string text, const std::string& directory) {
    for (std::size_t at; (at = text.find(directory)) != std::string::npos;) text.erase(at, directory.size());
    return text;
}

} // namespace

TEST_CASE("every mistake is told as the table says") {
    const bool update = std::getenv("DAVIT_UPDATE_GOLDEN") != nullptr;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(DAVIT_MESSAGES)) {
        if (entry.path().extension() != ".txt") continue;
        auto cases = read_cases(read_whole(entry.path()));
        std::string fresh;
        for (const Case& c : cases) {
            CAPTURE(entry.path().filename().string());
            CAPTURE(c.title);
            test::TempDir directory;
            std::string said = without(say(set_up(c, directory.path())), directory.path());
            fresh += "=== " + c.title + "\n" + c.input + "-----\n" + said;
            if (!update) CHECK(said == c.expected);
            CHECK(!said.empty());
            ++count;
        }
        if (update) std::ofstream(entry.path()) << fresh;
    }
    CHECK(count >= 60);
}

TEST_CASE("every message has a place and a path or names the file") {
    for (const auto& entry : std::filesystem::directory_iterator(DAVIT_MESSAGES)) {
        if (entry.path().extension() != ".txt") continue;
        for (const Case& c : read_cases(read_whole(entry.path()))) {
            CAPTURE(c.title);
            test::TempDir directory;
            try {
                LoadResult result = load(set_up(c, directory.path()));
                for (const Diagnostic& d : result.warnings) CHECK(d.at.line > 0);
                for (const Diagnostic& d : result.unacted) CHECK(d.at.line > 0);
            } catch (const LoadError& e) {
                for (const Diagnostic& d : e.diagnostics()) {
                    CAPTURE(d.message);
                    CHECK(d.at.line > 0);
                    CHECK(d.at.column > 0);
                }
            } catch (const Error&) {}
        }
    }
}
