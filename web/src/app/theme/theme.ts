import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'
import { filled, lines, onImage, signals, surfaces, text } from './tokens'

/** Mantine wants ten shades a colour; the look knows one, so every shade is that one. */
const flat = (hex: string): MantineColorsTuple => [hex, hex, hex, hex, hex, hex, hex, hex, hex, hex]

const px = (size: number) => `${size / 16}rem`

export const theme = createTheme({
  fontFamily:
    "'Inter Variable', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', system-ui, sans-serif",
  fontSizes: { xs: px(12), sm: px(13), md: px(13), lg: px(14), xl: px(20) },
  lineHeights: { xs: px(16), sm: px(18), md: px(18), lg: px(20), xl: px(28) },
  spacing: { xs: px(4), sm: px(8), md: px(12), lg: px(16), xl: px(24) },
  radius: { xs: '2px', sm: '3px', md: '4px', lg: '4px', xl: '4px' },
  defaultRadius: 4,
  respectReducedMotion: true,
  focusRing: 'auto',
  cursorType: 'pointer',
  colors: {
    focus: flat(signals.focus),
    dark: [
      text[1], text[2], text[3], lines.control, lines.hair,
      surfaces.selected, surfaces.raised, surfaces.canvas, surfaces.panel, surfaces.image,
    ],
  },
  primaryColor: 'focus',
  white: filled.text,
  black: surfaces.image,
})

const variables = {
  '--tri-image': surfaces.image,
  '--tri-canvas': surfaces.canvas,
  '--tri-panel': surfaces.panel,
  '--tri-raised': surfaces.raised,
  '--tri-selected': surfaces.selected,
  '--tri-text-1': text[1],
  '--tri-text-2': text[2],
  '--tri-text-3': text[3],
  '--tri-control': lines.control,
  '--tri-hair': lines.hair,
  '--tri-mark': signals.mark,
  '--tri-done': signals.done,
  '--tri-attention': signals.attention,
  '--tri-prior': signals.prior,
  '--tri-focus': signals.focus,
  '--tri-filled': filled.back,
  '--tri-filled-text': filled.text,
  '--tri-on-image': onImage.text,
  '--tri-ground': onImage.ground,
  '--tri-halo': onImage.halo,
}

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables,
  light: {},
  dark: {
    '--mantine-color-body': surfaces.canvas,
    '--mantine-color-text': text[1],
    '--mantine-color-dimmed': text[2],
    '--mantine-color-placeholder': text[3],
    '--mantine-color-default': surfaces.panel,
    '--mantine-color-default-hover': surfaces.raised,
    '--mantine-color-default-color': text[1],
    '--mantine-color-default-border': lines.control,
    '--mantine-color-error': signals.attention,
    '--mantine-color-disabled': surfaces.panel,
    '--mantine-color-disabled-color': text[3],
    '--mantine-color-disabled-border': lines.hair,
  },
})
