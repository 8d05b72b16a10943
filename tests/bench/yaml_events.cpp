// yaml-cpp's bare event parse of a file: what reading YAML costs before anything is made of it.
#include <fstream>
#include <iostream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

namespace {
class Counter : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override { ++count; }
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override { ++count; }
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override { ++count; }
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
    std::size_t count = 0;
};
} // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::ifstream in(argv[1]);
    YAML::Parser parser(in);
    Counter counter;
    while (parser.HandleNextDocument(counter)) {}
    std::cout << counter.count << '\n';
    return counter.count == 0;
}
