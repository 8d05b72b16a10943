// load ARCHIVE: the images of an archive into the store, as a program that embeds davit does it.
#include <davit/images.hpp>

#include <iostream>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        davit::Engine engine;
        davit::load_images(engine, argv[1]);
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
